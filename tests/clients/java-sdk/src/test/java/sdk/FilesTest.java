package sdk;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.MultipartField;
import com.openai.core.http.HttpResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.beta.assistants.AssistantCreateParams;
import com.openai.models.files.FileCreateParams;
import com.openai.models.files.FileListParams;
import com.openai.models.files.FileObject;
import com.openai.models.files.FilePurpose;
import com.openai.models.vectorstores.VectorStore;
import com.openai.models.vectorstores.VectorStoreCreateParams;
import com.openai.models.vectorstores.VectorStoreSearchParams;
import com.openai.models.vectorstores.VectorStoreSearchResponse;
import com.openai.models.vectorstores.filebatches.FileBatchCreateParams;
import com.openai.models.vectorstores.filebatches.FileBatchRetrieveParams;
import com.openai.models.vectorstores.filebatches.VectorStoreFileBatch;
import com.openai.models.vectorstores.files.VectorStoreFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Files, vector stores and errors by the official Java SDK; see {@link SdkTest}. */
@SuppressWarnings("deprecation") // the assistants are
class FilesTest {
  private static final OpenAIClient CLIENT = OpenAIOkHttpClient.fromEnv();

  @AfterAll
  static void close() {
    CLIENT.close();
  }

  @Test
  void filesAreKeptReadAndDeleted() throws IOException {
    byte[] bytes = {0, (byte) 0xff, '\r', '\n'};
    FileObject made = uploaded("\u00fcber.png", bytes, FilePurpose.VISION);
    assertEquals("\u00fcber.png", made.filename());
    assertEquals(4, CLIENT.files().retrieve(made.id()).bytes());
    try (HttpResponse response = CLIENT.files().content(made.id())) {
      assertArrayEquals(bytes, response.body().readAllBytes());
    }
    Set<String> wanted = new HashSet<>(Set.of(made.id()));
    for (int i = 0; i < 2; i++) {
      wanted.add(uploaded("a.txt", new byte[] {'a'}, FilePurpose.ASSISTANTS).id());
    }
    FileListParams two = FileListParams.builder().limit(2).build();
    CLIENT.files().list(two).autoPager().forEach(found -> wanted.remove(found.id()));
    assertEquals(Set.of(), wanted);
    assertTrue(CLIENT.files().delete(made.id()).deleted());
    assertThrows(NotFoundException.class, () -> CLIENT.files().retrieve(made.id()));
  }

  @Test
  void aVectorStoreIsFilledAndSearched() {
    VectorStoreCreateParams named = VectorStoreCreateParams.builder().name("Weather").build();
    VectorStore store = CLIENT.vectorStores().create(named);
    FileBatchCreateParams.Builder files = FileBatchCreateParams.builder();
    for (String text : List.of("Bern is sunny.", "Oslo is rainy.", "Rome is hot.")) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      files.addFileId(uploaded(text.substring(0, 4) + ".txt", bytes, FilePurpose.ASSISTANTS).id());
    }
    VectorStoreFileBatch batch =
        CLIENT.vectorStores().fileBatches().create(store.id(), files.build());
    FileBatchRetrieveParams params =
        FileBatchRetrieveParams.builder().vectorStoreId(store.id()).build();
    while (batch.status().equals(VectorStoreFileBatch.Status.IN_PROGRESS)) {
      batch = CLIENT.vectorStores().fileBatches().retrieve(batch.id(), params);
    }
    assertEquals(VectorStoreFileBatch.Status.COMPLETED, batch.status());
    assertEquals(3, batch.fileCounts().completed());
    List<VectorStoreFile> found = new ArrayList<>();
    CLIENT.vectorStores().files().list(store.id()).autoPager().forEach(found::add);
    assertEquals(3, found.size());
    VectorStoreSearchParams search =
        VectorStoreSearchParams.builder().query("Oslo is rainy.").build();
    VectorStoreSearchResponse first =
        CLIENT.vectorStores().search(store.id(), search).items().get(0);
    assertEquals("Oslo.txt", first.filename());
    assertEquals("Oslo is rainy.", first.content().get(0).text());
    assertTrue(CLIENT.vectorStores().delete(store.id()).deleted());
  }

  @Test
  void errorsHaveTheirTypeAndParameter() {
    OpenAIClient stranger = CLIENT.withOptions(options -> options.apiKey("sk-none-of-ours"));
    assertThrows(UnauthorizedException.class, () -> stranger.models().list());
    AssistantCreateParams hot =
        AssistantCreateParams.builder().model(System.getenv("MODEL")).temperature(9.0).build();
    BadRequestException refused =
        assertThrows(BadRequestException.class, () -> CLIENT.beta().assistants().create(hot));
    assertEquals("temperature", refused.param().orElseThrow());
    assertThrows(NotFoundException.class, () -> CLIENT.vectorStores().retrieve("vs_none"));
  }

  private static FileObject uploaded(String name, byte[] bytes, FilePurpose purpose) {
    MultipartField<InputStream> file =
        MultipartField.<InputStream>builder()
            .value(new ByteArrayInputStream(bytes))
            .filename(name)
            .contentType("application/octet-stream")
            .build();
    return CLIENT.files().create(FileCreateParams.builder().file(file).purpose(purpose).build());
  }
}
